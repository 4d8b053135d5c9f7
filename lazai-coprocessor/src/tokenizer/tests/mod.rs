mod golden;
mod growth;
mod hostile;
mod kinds;
mod stream;
mod unigram;
