// Keeps a core busy until the process is killed.
for (;;);
