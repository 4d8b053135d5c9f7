mod bounds;
mod domains;
