/** Whether a host, with or without brackets, is this machine and no other can reach it. */
export const isLoopback = (host: string) => /^(localhost|::1|127(\.\d{1,3}){3})$/.test(withoutBrackets(host))

/** The host of a URL without the brackets of an IPv6 address. */
export const withoutBrackets = (host: string) => host.replace(/^\[(.*)\]$/, '$1')
