"""What a point is: rules, ledger, score sheets. Knows no Telegram and no clock."""
