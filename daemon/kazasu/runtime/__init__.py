"""What keeps the process alive and honest: threads, systemd, clock, logs."""
