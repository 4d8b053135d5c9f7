mod hostile;
mod kinds;
mod stream;
