// The host's time zone and locale as variables of guests.
#include "capabilities/host_settings.h"

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

const std::string kBerlin = "TZif2" + std::string(40, '\0') + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";

struct Host : test::TempDir {
  std::string zone(const std::string& wanted) const { return timezone_value(wanted, path()); }
  std::string locale(const std::string& wanted, std::string variable = "") const {
    auto env = [&](const std::string& name) {
      return name == variable ? std::optional<std::string>("fr_FR.UTF-8") : std::nullopt;
    };
    return locale_value(wanted, env, path());
  }
};

}  // namespace

TEST_CASE("host settings: a zone becomes its rule, and a zone that the host lacks stays a name") {
  Host host;
  CHECK(host.zone("Europe/Berlin") == "Europe/Berlin");
  host.put("usr/share/zoneinfo/Europe/Berlin", kBerlin);
  CHECK(host.zone("Europe/Berlin") == "CET-1CEST,M3.5.0,M10.5.0/3");
}

TEST_CASE("host settings: the host's own zone is in /etc/localtime, or there is none") {
  Host host;
  CHECK(host.zone("host").empty());
  host.put("etc/localtime", kBerlin);
  CHECK(host.zone("host") == "CET-1CEST,M3.5.0,M10.5.0/3");
}

TEST_CASE("host settings: what is no zone file is not read as one") {
  Host host;
  for (const auto& text : {std::string(), std::string("TZif"), std::string("TZif2\n"), std::string("TZif2\n\n"),
                           std::string("text\nCET-1\n"), "TZif2\n" + std::string(200, 'x') + "\n",
                           std::string("TZif2\nA B\n"), std::string(100000, 'x')}) {
    host.put("etc/localtime", text);
    CHECK(host.zone("host").empty());
  }
}

TEST_CASE("host settings: the locale is the one asked for, the process's, or that of the host's files") {
  Host host;
  CHECK(host.locale("de_DE.UTF-8") == "de_DE.UTF-8");
  CHECK(host.locale("host", "LANG") == "fr_FR.UTF-8");
  CHECK(host.locale("host", "LC_ALL") == "fr_FR.UTF-8");
  CHECK(host.locale("host").empty());
  host.put("etc/locale.conf", "# comment\nLANG=it_IT.UTF-8\n");
  CHECK(host.locale("host") == "it_IT.UTF-8");
  host.put("etc/default/locale", "LANGUAGE=x\nLANG=\"de_AT.UTF-8\"\n");
  CHECK(host.locale("host") == "de_AT.UTF-8");
}
