export default () => 'done'
