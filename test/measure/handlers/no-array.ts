export default (): string => 'done'
