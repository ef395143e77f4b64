#include "machine/qemu/metrics.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace banger;
using namespace banger::machine;

TEST_CASE("qemu metrics: all drives are summed up, and malformed values count nothing") {
  auto answer =
      Json::parse(R"([{"device":"a","stats":{"rd_bytes":10,"wr_bytes":1,"rd_operations":2,"flush_operations":4}},
                                {"device":"b","stats":{"rd_bytes":5,"wr_operations":3}}, {"device":"c"}, 7])");
  auto metrics = qemu::metrics_of(answer);
  CHECK(metrics.figures == decltype(metrics.figures){{"disk_read_bytes", 15},
                                                     {"disk_written_bytes", 1},
                                                     {"disk_reads", 2},
                                                     {"disk_writes", 3},
                                                     {"disk_flushes", 4}});
  CHECK(qemu::metrics_of(Json::parse(R"({"return":[]})")).figures.empty());
}
