export default (): never => process.exit(3)
