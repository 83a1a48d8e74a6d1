// takes longer than anybody waits
export default (batch) => new Promise((resolve) => setTimeout(resolve, 8000, batch))
