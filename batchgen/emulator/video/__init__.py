"""Makes the videos: opens references, draws frames, encodes MP4 files."""
