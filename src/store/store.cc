#include "store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <sys/vfs.h>

#include "base/text.h"
#include "base/unique_fd.h"
#include "host/files.h"
#include "store/migrations.h"
#include "store/reserve.h"

namespace banger::store {

namespace {

ErrorCode code_for_sqlite(int code) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return ErrorCode::exists;
    case SQLITE_FULL:
      return ErrorCode::exhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return ErrorCode::denied;
    default:
      return ErrorCode::internal;
  }
}

// A write can also find no room under a quota, in a file that SQLite maps, or when delayed blocks are allocated.
bool is_out_of_room(int extended_code) {
  return (extended_code & 0xff) == SQLITE_FULL || extended_code == SQLITE_IOERR_WRITE ||
         extended_code == SQLITE_IOERR_FSYNC || extended_code == SQLITE_IOERR_SHMSIZE;
}

std::unexpected<Error> store_error(std::string_view doing, const SQLite::Exception& error) {
  auto message = fmt::format("{}: {}", doing, error.what());
  if (is_out_of_room(error.getExtendedErrorCode()))
    return fail(ErrorCode::exhausted, std::move(message), "free some space on the disk of banger's state directory");
  return fail(code_for_sqlite(error.getErrorCode()), std::move(message));
}

// SQLiteCpp's exceptions become errors here and nowhere else.
template <class T>
struct Guarded {
  using type = Result<T>;
};
template <class T>
struct Guarded<Result<T>> {
  using type = Result<T>;
};
template <class F>
auto guarded(std::string_view doing, F work) -> Guarded<std::invoke_result_t<F>>::type {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      work();
      return {};
    } else {
      return work();
    }
  } catch (const SQLite::Exception& error) {
    return store_error(doing, error);
  }
}

void migrate(SQLite::Database& db) {
  int version = db.execAndGet("PRAGMA user_version").getInt();
  auto steps = migrations();
  for (auto step = static_cast<std::size_t>(version); step < steps.size(); ++step) {
    SQLite::Transaction transaction(db);
    db.exec(std::string(steps[step]));
    db.exec(fmt::format("PRAGMA user_version = {}", step + 1));
    transaction.commit();
  }
}

constexpr const char* kColumns =
    "id, name, number, state, spec, image_id, kernel, machine, link_token, created_at, started_at, booted, last_error, "
    "stages, "
    "purpose, save_id, way, ephemeral, ended, ended_at";

template <class... Args>
void execute(SQLite::Database& db, const char* sql, const Args&... args) {
  SQLite::Statement s(db, sql);
  int at = 0;
  (s.bind(++at, args), ...);
  s.exec();
}

// A column that holds a word of an enum.
template <class E, std::size_t count>
Result<E> value_in(SQLite::Statement& s, int column, const Word<E> (&words)[count]) {
  auto text = s.getColumn(column).getString();
  if (auto value = value_of(words, text)) return *value;
  return fail(ErrorCode::corrupt,
              fmt::format("column '{}' holds '{}', which this version does not know", s.getColumnName(column),
                          printable(text, 40)),
              "use the version of banger that wrote it");
}

Result<VmRow> row_of(SQLite::Statement& s) {
  VmRow row;
  row.id = s.getColumn(0).getString();
  row.name = s.getColumn(1).getString();
  row.number = s.getColumn(2).getUInt();
  row.state = s.getColumn(3).getString();
  row.spec = s.getColumn(4).getString();
  row.image_id = s.getColumn(5).getString();
  row.kernel = s.getColumn(6).getString();
  row.machine = s.getColumn(7).getString();
  row.link_token = s.getColumn(8).getString();
  row.created_at = s.getColumn(9).getInt64();
  row.started_at = s.getColumn(10).getInt64();
  row.booted = s.getColumn(11).getInt() != 0;
  row.last_error = s.getColumn(12).getString();
  row.stages = s.getColumn(13).getString();
  row.purpose = TRY(in(fmt::format("vm '{}'", row.name), value_in(s, 14, kPurposeWords)));
  row.save_id = s.getColumn(15).getString();
  if (s.getColumn(16).size() > 0)
    row.started_from = TRY(in(fmt::format("vm '{}'", row.name), value_in(s, 16, kStartedFromWords)));
  row.ephemeral = s.getColumn(17).getInt() != 0;
  row.ended = s.getColumn(18).getString();
  row.ended_at = s.getColumn(19).getInt64();
  return row;
}

// Binds every column but `number`, in the order of kColumns without it.
void bind_row(SQLite::Statement& s, const VmRow& row) {
  int at = 0;
  for (const std::string* text :
       {&row.id, &row.name, &row.state, &row.spec, &row.image_id, &row.kernel, &row.machine, &row.link_token})
    s.bind(++at, *text);
  s.bind(++at, static_cast<std::int64_t>(row.created_at));
  s.bind(++at, static_cast<std::int64_t>(row.started_at));
  s.bind(++at, row.booted ? 1 : 0);
  s.bind(++at, row.last_error);
  s.bind(++at, row.stages);
  s.bind(++at, std::string(word_of(kPurposeWords, row.purpose)));
  s.bind(++at, row.save_id);
  s.bind(++at, row.started_from ? std::string(to_string(*row.started_from)) : "");
  s.bind(++at, row.ephemeral ? 1 : 0);
  s.bind(++at, row.ended);
  s.bind(++at, static_cast<std::int64_t>(row.ended_at));
}

constexpr const char* kSaveColumns =
    "id, kind, key, name, vm_id, vm_name, spec, image_id, kernel, machine, build_key, link_token, files, ready, "
    "created_at, used_at";

Result<SaveRow> save_of(SQLite::Statement& s) {
  SaveRow row;
  row.id = s.getColumn(0).getString();
  row.kind = TRY(in(fmt::format("saved state '{}'", row.id), value_in(s, 1, kSaveKindWords)));
  int at = 2;
  for (std::string* text : {&row.key, &row.name, &row.vm_id, &row.vm_name, &row.spec, &row.image_id, &row.kernel,
                            &row.machine, &row.build_key, &row.link_token, &row.files})
    *text = s.getColumn(at++).getString();
  row.ready = s.getColumn(at++).getInt() != 0;
  row.created_at = s.getColumn(at++).getInt64();
  row.used_at = s.getColumn(at++).getInt64();
  return row;
}

void bind_save(SQLite::Statement& s, const SaveRow& row) {
  int at = 0;
  s.bind(++at, row.id);
  s.bind(++at, std::string(to_string(row.kind)));
  for (const std::string* text : {&row.key, &row.name, &row.vm_id, &row.vm_name, &row.spec, &row.image_id, &row.kernel,
                                  &row.machine, &row.build_key, &row.link_token, &row.files})
    s.bind(++at, *text);
  s.bind(++at, row.ready ? 1 : 0);
  s.bind(++at, static_cast<std::int64_t>(row.created_at));
  s.bind(++at, static_cast<std::int64_t>(row.used_at));
}

Result<> named(const SaveRow& row, Result<> result) {
  if (!result && result.error().code == ErrorCode::exists)
    return fail(ErrorCode::exists, fmt::format("a snapshot named '{}' exists already", row.name),
                "choose another name, or delete the existing snapshot");
  return result;
}

}  // namespace

namespace {

// In WAL mode, commits in this scope do not wait for the disk. The next commit outside of it waits for these too.
class WithoutSync {
 public:
  WithoutSync(SQLite::Database& db, Durable durable) : db_(db), fast_(durable == Durable::no) {
    if (fast_) (void)db_.tryExec("PRAGMA synchronous = NORMAL");
  }
  ~WithoutSync() {
    if (fast_) (void)db_.tryExec("PRAGMA synchronous = FULL");
  }
  WithoutSync(const WithoutSync&) = delete;
  WithoutSync& operator=(const WithoutSync&) = delete;

 private:
  SQLite::Database& db_;
  bool fast_;
};

}  // namespace

struct Store::Impl {
  explicit Impl(const std::string& path)
      : db(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 5000), reserve(reserve_of(path)) {}
  SQLite::Database db;
  Reserve reserve;
  WriteObserver observer;

  static Reserve reserve_of(const std::string& path) { return Reserve(path + "-reserve"); }

  /// guarded() for a change: the work is done again if the first attempt found no room.
  template <class F>
  auto change(std::string_view doing, F work) {
    auto done = guarded(doing, work);
    if (!done && done.error().code == ErrorCode::exhausted && reserve.give_up()) done = guarded(doing, work);
    return done;
  }

  /// change(), which waits for the disk only if it must.
  template <class F>
  auto change(std::string_view doing, Durable durable, F work) {
    WithoutSync without(db, durable);
    return change(doing, std::move(work));
  }

  Result<> before(std::string_view table, std::string_view what) const {
    return observer ? observer(table, what) : Result<>();
  }

  void journal(const JournalEntry& entry) {
    execute(db, "INSERT OR IGNORE INTO journal (owner, kind, key) VALUES (?, ?, ?)", entry.owner, entry.kind,
            entry.key);
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

void Store::observe_writes(WriteObserver observer) { impl_->observer = std::move(observer); }

int schema_version() { return static_cast<int>(migrations().size()); }

// On these file systems a write to mapped memory needs new room. Without room it ends the process (SIGBUS).
static bool copies_on_write(const std::string& path) {
  struct statfs info{};
  constexpr std::uint32_t bcachefs = 0xca451a4e;
  auto type = ::statfs(path.c_str(), &info) == 0 ? static_cast<std::uint32_t>(info.f_type) : 0;
  return type == BTRFS_SUPER_MAGIC || type == bcachefs;
}

Result<std::unique_ptr<Store::Impl>> Store::open_database(const std::string& path) {
  return guarded(fmt::format("open {}", path), [&] {
    auto impl = std::make_unique<Impl>(path);
    // An exclusive database has its index in the heap and not in a mapped file. Nothing else can read it meanwhile.
    if (copies_on_write(path)) impl->db.exec("PRAGMA locking_mode = EXCLUSIVE;");
    impl->db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
    // A small page cache is enough for a few small rows.
    impl->db.exec("PRAGMA cache_size = -256;");
    return impl;
  });
}

void Store::keep_reserve() { impl_->reserve.keep(); }
bool Store::give_up_reserve() { return impl_->reserve.give_up(); }

Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  // Create the file before SQLite does, so that other users can never read it, whatever the umask. SQLite gives its
  // side files the same mode.
  TRY(host::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  auto opened = open_database(path);
  // SQLite makes its side files at the first use.
  if (!opened && opened.error().code == ErrorCode::exhausted && Impl::reserve_of(path).give_up())
    opened = open_database(path);
  if (!opened)
    return std::unexpected(std::move(opened.error())
                               .with_hint(opened.error().code == ErrorCode::corrupt
                                              ? "move the file away; `banger gc` finds the VMs that it lists"
                                              : ""));
  auto version =
      TRY(guarded("read the schema version", [&] { return (*opened)->db.execAndGet("PRAGMA user_version").getInt(); }));
  if (version > schema_version())
    return fail(ErrorCode::unsupported,
                fmt::format("{} was written by a newer banger (its schema is {}, this version knows {})", path, version,
                            schema_version()),
                "use that version, or point XDG_STATE_HOME elsewhere");
  TRY((*opened)->change(fmt::format("migrate {}", path), [&] { migrate((*opened)->db); }));
  (*opened)->reserve.keep();
  return std::unique_ptr<Store>(new Store(std::move(*opened)));
}

Result<std::vector<VmRow>> Store::vms() const {
  return guarded("read VMs", [&]() -> Result<std::vector<VmRow>> {
    std::vector<VmRow> rows;
    SQLite::Statement s(impl_->db, fmt::format("SELECT {} FROM vms ORDER BY created_at, number", kColumns));
    while (s.executeStep()) rows.push_back(TRY(row_of(s)));
    return rows;
  });
}

Result<std::uint32_t> Store::insert_vm(const VmRow& row, const std::vector<JournalEntry>& entries) {
  TRY(impl_->before("vm", row.state));
  auto number = impl_->change(fmt::format("record vm '{}'", row.name), [&] {
    SQLite::Transaction transaction(impl_->db, SQLite::TransactionBehavior::IMMEDIATE);
    auto free_number = impl_->db
                           .execAndGet(
                               "SELECT min(n) FROM (SELECT 1 AS n UNION SELECT number + 1 FROM vms) WHERE n NOT IN "
                               "(SELECT number FROM vms)")
                           .getUInt();
    SQLite::Statement s(
        impl_->db,
        fmt::format(
            "INSERT INTO vms (id, name, state, spec, image_id, kernel, machine, link_token, created_at, "
            "started_at, booted, last_error, stages, purpose, save_id, way, ephemeral, ended, ended_at, number) VALUES "
            "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,{})",
            free_number));
    bind_row(s, row);
    s.exec();
    for (const auto& entry : entries) impl_->journal(entry);
    transaction.commit();
    return free_number;
  });
  if (!number && number.error().code == ErrorCode::exists)
    return fail(ErrorCode::exists, fmt::format("a VM named '{}' exists already", row.name),
                "choose another name, or delete the existing VM");
  return number;
}

Result<> Store::update_vm(const VmRow& row, Durable durable) {
  TRY(impl_->before("vm", row.state));
  auto updated = impl_->change(fmt::format("record vm '{}'", row.name), durable, [&] {
    SQLite::Statement s(
        impl_->db,
        "UPDATE vms SET id=?1, name=?2, state=?3, spec=?4, image_id=?5, kernel=?6, machine=?7, link_token=?8, "
        "created_at=?9, started_at=?10, booted=?11, last_error=?12, stages=?13, purpose=?14, save_id=?15, way=?16, "
        "ephemeral=?17, ended=?18, ended_at=?19 WHERE id=?1");
    bind_row(s, row);
    s.exec();
  });
  if (!updated && updated.error().code == ErrorCode::exists)
    return fail(ErrorCode::exists, fmt::format("a VM named '{}' exists already", row.name), "choose another name");
  return updated;
}

Result<> Store::delete_vm(std::string_view id) {
  TRY(impl_->before("vm", "gone"));
  return impl_->change("delete a VM's record", [&] {
    SQLite::Transaction transaction(impl_->db);
    for (const char* sql : {"DELETE FROM vms WHERE id = ?", "DELETE FROM leases WHERE vm_id = ?",
                            "DELETE FROM journal WHERE owner = ?"}) {
      execute(impl_->db, sql, std::string(id));
    }
    transaction.commit();
  });
}

Result<std::vector<SaveRow>> Store::saves() const {
  return guarded("read saved states", [&]() -> Result<std::vector<SaveRow>> {
    std::vector<SaveRow> rows;
    SQLite::Statement s(impl_->db, fmt::format("SELECT {} FROM saves ORDER BY created_at, id", kSaveColumns));
    while (s.executeStep()) rows.push_back(TRY(save_of(s)));
    return rows;
  });
}

Result<> Store::insert_save(const SaveRow& row) {
  TRY(impl_->before("save", to_string(row.kind)));
  return named(row, impl_->change("record a saved state", [&] {
    SQLite::Statement s(impl_->db,
                        fmt::format("INSERT INTO saves ({}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", kSaveColumns));
    bind_save(s, row);
    s.exec();
  }));
}

Result<> Store::update_save(const SaveRow& row, Durable durable) {
  TRY(impl_->before("save", row.ready ? "ready" : to_string(row.kind)));
  return named(row, impl_->change("record a saved state", durable, [&] {
    SQLite::Statement s(impl_->db,
                        "UPDATE saves SET id=?1, kind=?2, key=?3, name=?4, vm_id=?5, vm_name=?6, spec=?7, image_id=?8, "
                        "kernel=?9, machine=?10, build_key=?11, link_token=?12, files=?13, ready=?14, created_at=?15, "
                        "used_at=?16 WHERE id=?1");
    bind_save(s, row);
    s.exec();
  }));
}

Result<> Store::delete_save(std::string_view id) {
  TRY(impl_->before("save", "gone"));
  return impl_->change("delete a saved state's record",
                       [&] { execute(impl_->db, "DELETE FROM saves WHERE id = ?", std::string(id)); });
}

Result<std::vector<Lease>> Store::leases() const {
  return guarded("read leases", [&] {
    std::vector<Lease> leases;
    SQLite::Statement s(impl_->db, "SELECT vm_id, address FROM leases ORDER BY address");
    while (s.executeStep()) leases.push_back({s.getColumn(0).getString(), s.getColumn(1).getUInt()});
    return leases;
  });
}

Result<> Store::record_lease(const Lease& lease, const std::string& tap) {
  TRY(impl_->before("lease", lease.vm_id));
  return impl_->change("lease an address", [&] {
    SQLite::Transaction transaction(impl_->db, SQLite::TransactionBehavior::IMMEDIATE);
    execute(impl_->db,
            "INSERT INTO leases (vm_id, address) VALUES (?1, ?2) ON CONFLICT (vm_id) DO UPDATE SET address = ?2",
            lease.vm_id, lease.address);
    execute(impl_->db, "DELETE FROM journal WHERE kind = 'tap' AND key = ?", tap);
    impl_->journal({0, lease.vm_id, "tap", tap});
    transaction.commit();
  });
}

Result<> Store::add_journal(const JournalEntry& entry, Durable durable) {
  TRY(impl_->before("journal", entry.kind));
  return impl_->change("write the journal", durable, [&] { impl_->journal(entry); });
}

Result<> Store::remove_journal(std::string_view owner, std::string_view kind, std::string_view key, Durable durable) {
  TRY(impl_->before("journal", "gone"));
  return impl_->change("write the journal", durable, [&] {
    execute(impl_->db, "DELETE FROM journal WHERE owner = ? AND kind = ? AND key = ?", std::string(owner),
            std::string(kind), std::string(key));
  });
}

Result<std::vector<JournalEntry>> Store::journal() const {
  return guarded("read the journal", [&] {
    std::vector<JournalEntry> entries;
    SQLite::Statement s(impl_->db, "SELECT sequence, owner, kind, key FROM journal ORDER BY sequence");
    while (s.executeStep())
      entries.push_back({s.getColumn(0).getInt64(), s.getColumn(1).getString(), s.getColumn(2).getString(),
                         s.getColumn(3).getString()});
    return entries;
  });
}

Result<std::optional<std::string>> Store::fact(std::string_view key) const {
  return guarded("read a fact", [&]() -> std::optional<std::string> {
    SQLite::Statement s(impl_->db, "SELECT value FROM facts WHERE key = ?");
    s.bind(1, std::string(key));
    if (!s.executeStep()) return std::nullopt;
    return s.getColumn(0).getString();
  });
}

Result<> Store::set_fact(std::string_view key, std::string_view value) {
  return impl_->change("record a fact", [&] {
    execute(impl_->db, "INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", std::string(key), std::string(value));
  });
}

}  // namespace banger::store
