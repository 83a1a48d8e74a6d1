declare module 'simjs'
