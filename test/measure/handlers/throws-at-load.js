throw new Error('the model file is corrupt')
