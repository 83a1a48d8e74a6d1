# The same queues in SimPy 2 (Debian's python3-simpy). Usage: queue.py (mm1|mm4|batches) REQUESTS; prints requests a
# second, and the mean latency in ms.
import random
import sys
import time

from SimPy.Simulation import Process, Store, activate, get, hold, initialize, now, put, simulate

what, requests = sys.argv[1], int(sys.argv[2])
mean_gap, mean_service, servers, max_batch = {
    "mm1": (12.5, 10, 1, 1),
    "mm4": (3.125, 10, 4, 1),
    "batches": (0.5, 0, 1, 50),
}[what]
rng = random.Random(1)
latencies = []


class Arrivals(Process):
    def run(self, queue):
        for _ in range(requests):
            yield hold, self, rng.expovariate(1 / mean_gap)
            yield put, self, queue, [now()]


class Server(Process):
    def run(self, queue):
        while True:
            yield get, self, queue, 1
            batch = list(self.got)
            size = min(queue.nrBuffered, max_batch - 1)
            if size > 0:
                yield get, self, queue, size
                batch += self.got
            service = rng.expovariate(1 / mean_service) if mean_service else 7.5 + 0.25 * len(batch)
            yield hold, self, service
            latencies.extend(now() - due for due in batch)


begun = time.perf_counter()
initialize()
queue = Store(capacity="unbounded")
arrivals = Arrivals()
activate(arrivals, arrivals.run(queue))
for _ in range(servers):
    server = Server()
    activate(server, server.run(queue))
simulate(until=1e18)
seconds = time.perf_counter() - begun
print(f"{requests / seconds:.0f} {sum(latencies) / len(latencies):.4f}")
