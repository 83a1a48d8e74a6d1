declare module 'jstat'
