"""What is known and decided: pure values and tables, no input or output."""
