"""What sounds and pictures share: ffmpeg, the containers it reads, what decoders print."""
