#include "store/migrations.h"

#include <array>

namespace banger::store {

namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE vms (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  number INTEGER NOT NULL UNIQUE,
  state TEXT NOT NULL,
  spec TEXT NOT NULL,
  image_id TEXT NOT NULL,
  kernel TEXT NOT NULL,
  machine TEXT NOT NULL DEFAULT '',
  link_token TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL DEFAULT 0,
  booted INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  stages TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  UNIQUE (owner, kind, key)
) STRICT;
CREATE TABLE facts (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
)sql";

constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE vms ADD COLUMN purpose TEXT NOT NULL DEFAULT 'user';
ALTER TABLE vms ADD COLUMN save_id TEXT NOT NULL DEFAULT '';
ALTER TABLE vms ADD COLUMN way TEXT NOT NULL DEFAULT '';
CREATE TABLE saves (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  ready INTEGER NOT NULL DEFAULT 0,
  key TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL DEFAULT '',
  vm_id TEXT NOT NULL DEFAULT '',
  vm_name TEXT NOT NULL DEFAULT '',
  spec TEXT NOT NULL,
  image_id TEXT NOT NULL,
  kernel TEXT NOT NULL,
  machine TEXT NOT NULL DEFAULT '',
  build_key TEXT NOT NULL DEFAULT '',
  link_token TEXT NOT NULL DEFAULT '',
  files TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX snapshot_names ON saves (name) WHERE name <> '';
)sql";

constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE leases (
  vm_id TEXT PRIMARY KEY,
  address INTEGER NOT NULL UNIQUE
) STRICT;
)sql";

constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE vms ADD COLUMN ephemeral INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::string_view kVersion5 = R"sql(
ALTER TABLE vms ADD COLUMN ended TEXT NOT NULL DEFAULT '';
ALTER TABLE vms ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0;
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};

}  // namespace

std::span<const std::string_view> migrations() { return kMigrations; }

}  // namespace banger::store
