"""Videos and animated pictures, whose frames are the pictures of the room of images."""
