"""Telegram on this machine, for the demo and the tests. Imports nothing of the other rooms.

`facade.Sandbox` is the way in: a Bot API server on loopback, with people to play, a clock to move and faults to order.

    clock, world        what there is, and when
    acts                what people do; becomes updates
    methods, sending    what the bot does; refused as Telegram refuses it (entities, markup, limits, errors)
    server, control     the two sides over HTTP: the Bot API, and the people with their page
    views, facade       the same for programs: chats to read, people to direct, conditions to wait for
    client, browser     a plain bot client and a plain browser driver, for tests and pictures
"""
