int layout( int x ){return x;}
