"""What stands for each shot, for those who go on with it: timelines, an animatic, a contact sheet."""
