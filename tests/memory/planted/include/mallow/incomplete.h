void mallow_planted(void);
