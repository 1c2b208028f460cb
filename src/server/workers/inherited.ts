// Sockets that our processes inherit: their channel, and one that says that the server is alive.

export const inherited = { channel: 3, life: 4 } as const;
