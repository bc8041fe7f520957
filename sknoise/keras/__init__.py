"""The wall: all that knows Keras models and scikeras; its loop, and the layer of our noise."""
