"""What a run leaves behind: its columns, its folder, and what may be compared with what."""
