"""The papers of a published result: circular, letters, tables, list of consequences. A frozen file in, bytes out.

Nothing here knows the database or the clock, so that a year's papers can be made anew from its frozen file, byte for
byte: what a document says of its making is the day of publication.
"""
