mod domains;
