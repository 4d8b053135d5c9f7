mod golden;
mod hostile;
mod kinds;
mod stream;
mod unigram;
