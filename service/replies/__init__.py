"""What is sent back: numbers, and problem documents."""
