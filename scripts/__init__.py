"""What developers run: generators and the demo."""
