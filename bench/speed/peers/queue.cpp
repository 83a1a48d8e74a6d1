// The same queues in plain C++: as an event queue (std::priority_queue), and as a recurrence.
// Usage: queue (events|recurrence) (mm1|mm4|batches) REQUESTS; prints requests a second, and the mean latency in ms.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <queue>
#include <random>
#include <string>
#include <vector>

struct Scenario {
  double meanGap, meanService;  // ns
  int servers;
  size_t maxBatch;
  double base, perItem;  // ns, for batches with a fixed service time
};

// 1,024 buckets for each power of two, and the moments
struct Histogram {
  std::vector<uint32_t> counts = std::vector<uint32_t>(43 * 1024);
  double sum = 0, squares = 0, least = 1e300, most = 0;
  size_t count = 0;
  void record(double ns) {
    uint64_t bits;
    std::memcpy(&bits, &ns, 8);
    long bucket = static_cast<long>(bits >> 42) - 1023 * 1024;
    counts[std::clamp(bucket, 0L, 43L * 1024 - 1)]++;
    sum += ns;
    squares += ns * ns;
    least = std::min(least, ns);
    most = std::max(most, ns);
    count++;
  }
};

struct Draws {
  std::mt19937_64 random{1};
  std::exponential_distribution<double> gap, service;
  explicit Draws(const Scenario& s) : gap(1 / s.meanGap), service(s.meanService > 0 ? 1 / s.meanService : 1) {}
};

struct Event {
  double time;
  int kind;  // 0 completion, 1 arrival
  uint64_t sequence;
  bool operator<(const Event& other) const {
    if (time != other.time) return time > other.time;
    if (kind != other.kind) return kind > other.kind;
    return sequence > other.sequence;
  }
};

void events(const Scenario& s, size_t requests, Histogram& latency) {
  Draws draw(s);
  std::priority_queue<Event> queue;
  std::deque<double> waiting;
  int idle = s.servers;
  uint64_t sequence = 0;
  size_t arrived = 0;
  queue.push({draw.gap(draw.random), 1, sequence++});
  while (!queue.empty()) {
    const Event event = queue.top();
    queue.pop();
    if (event.kind == 0) {
      idle++;
    } else {
      waiting.push_back(event.time);
      if (++arrived < requests) queue.push({event.time + draw.gap(draw.random), 1, sequence++});
    }
    while (idle > 0 && !waiting.empty()) {
      const size_t size = std::min(waiting.size(), s.maxBatch);
      const double service = s.meanService > 0 ? draw.service(draw.random) : s.base + s.perItem * size;
      const double done = event.time + service;
      for (size_t i = 0; i < size; i++) {
        latency.record(done - waiting.front());
        waiting.pop_front();
      }
      queue.push({done, 0, sequence++});
      idle--;
    }
  }
}

void recurrence(const Scenario& s, size_t requests, Histogram& latency) {
  Draws draw(s);
  if (s.maxBatch == 1) {
    std::vector<double> free(s.servers, 0);
    double due = 0;
    for (size_t i = 0; i < requests; i++) {
      due += draw.gap(draw.random);
      auto first = std::min_element(free.begin(), free.end());
      *first = std::max(due, *first) + draw.service(draw.random);
      latency.record(*first - due);
    }
    return;
  }
  std::vector<double> batch(s.maxBatch);
  double due = draw.gap(draw.random), free = 0;
  for (size_t i = 0; i < requests;) {
    const double start = std::max(due, free);
    size_t size = 0;
    do {
      batch[size++] = due;
      due += draw.gap(draw.random);
    } while (size < s.maxBatch && due < start);
    free = start + s.base + s.perItem * size;
    for (size_t j = 0; j < size; j++) latency.record(free - batch[j]);
    i += size;
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string how = argv[1], what = argv[2];
  const size_t requests = std::strtoull(argv[3], nullptr, 10);
  const Scenario scenario = what == "mm1"   ? Scenario{12.5e6, 10e6, 1, 1, 0, 0}
                            : what == "mm4" ? Scenario{3.125e6, 10e6, 4, 1, 0, 0}
                                            : Scenario{0.5e6, 0, 1, 50, 7.5e6, 0.25e6};
  Histogram latency;
  const auto begun = std::chrono::steady_clock::now();
  if (how == "events") events(scenario, requests, latency);
  else recurrence(scenario, requests, latency);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%.0f %.4f\n", requests / seconds, latency.sum / latency.count / 1e6);
}
