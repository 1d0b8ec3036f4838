"""What time does: deadlines, reminders, settlement. Knows scoring, no Telegram."""
