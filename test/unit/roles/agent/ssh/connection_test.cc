// The SSH server against the host's own ssh, sftp and scp.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "catch.h"
#include "roles/agent/ssh/ssh_server.h"

using namespace banger;
using namespace banger::roles::agent;
using test::own_name;

namespace {

using Server = test::SshServer;

// A port of the guest that greets one client.
struct Greeter {
  Greeter() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    socklen_t size = sizeof address;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = std::to_string(ntohs(address.sin_port));
    thread = std::thread([this] {
      UniqueFd peer(::accept(socket.get(), nullptr, nullptr));
      if (peer) (void)host::write_all(peer.get(), "hello");
    });
  }
  ~Greeter() {
    ::shutdown(socket.get(), SHUT_RDWR);
    thread.join();
  }
  UniqueFd socket;
  std::string port;
  std::thread thread;
};

struct Ended {
  int code = -1;
  std::string out, err;
};

// Runs a program of the host to its end, with files as its standard streams.
Ended run(const Server& server, std::vector<std::string> argv, const std::string& input = "") {
  auto file = [&](const std::string& name, int flags) {
    return *host::open_file(server.dir / name, flags | O_CREAT | O_TRUNC, 0600);
  };
  (void)host::write_file(server.dir / "in", input);
  auto in = *host::open_file(server.dir / "in", O_RDONLY);
  auto out = file("out", O_RDWR), err = file("err", O_RDWR);
  host::SpawnSpec spec{.argv = std::move(argv),
                       .env = {"PATH=/usr/bin:/bin", "HOME=" + server.dir.path(), "LC_TEST=from client"},
                       .cwd = server.dir.path(),
                       .stdin_fd = in.get(),
                       .stdout_fd = out.get(),
                       .stderr_fd = err.get(),
                       .new_session = true};
  auto child = host::spawn(spec);
  REQUIRE(child);
  auto code = child->wait().shell_code();
  return {code, server.dir.get("out"), server.dir.get("err")};
}

Ended ssh_to(const Server& server, std::vector<std::string> words, const std::string& input = "",
             std::vector<std::string> more = {}) {
  std::vector<std::string> argv = {"ssh"};
  for (auto& option : server.options()) argv.push_back(option);
  for (auto& option : more) argv.push_back(option);
  argv.push_back(server.target());
  for (auto& word : words) argv.push_back(word);
  return run(server, std::move(argv), input);
}

}  // namespace

TEST_CASE("ssh: a command has its own streams, its status, and the guest's environment") {
  Server server;
  auto ended = ssh_to(server, {"echo out $FROM_GUEST; echo err >&2; exit 7"});
  CHECK(ended.code == 7);
  CHECK(ended.out == "out yes\n");
  CHECK(ended.err == "err\n");
  CHECK(ssh_to(server, {"kill -9 $$"}).code == 137);
  CHECK(ssh_to(server, {"echo $LC_TEST"}, "", {"-o", "SendEnv=LC_TEST"}).out == "from client\n");
}

TEST_CASE("ssh: all bytes arrive in both directions") {
  Server server;
  std::string bytes;
  for (int at = 0; at < 3'000'000; ++at) bytes += static_cast<char>(at * 31 + at / 257);
  CHECK(ssh_to(server, {"cat"}, bytes).out == bytes);
  // The reader ends long before the writer.
  auto ended = ssh_to(server, {"head -c 5"}, bytes);
  CHECK(ended.code == 0);
  CHECK(ended.out == bytes.substr(0, 5));
}

TEST_CASE("ssh: a terminal has the client's size and type") {
  Server server;
  auto ended = ssh_to(server, {"tty -s && echo $TERM && test -t 2 && test -n \"$SSH_TTY\" && stty size"}, "", {"-tt"});
  CHECK(ended.code == 0);
  CHECK(ended.out.find("\r\n") != std::string::npos);
}

TEST_CASE("ssh: a shell reads its input to the end") {
  Server server;
  auto ended = ssh_to(server, {}, "echo $((6*7))\nexit 3\n");
  CHECK(ended.code == 3);
  CHECK(ended.out == "42\n");
}

TEST_CASE("ssh: a key that nobody gave, and another user's name, are refused") {
  Server server;
  (void)host::write_file(server.dir / "key", host::make_ssh_key("stranger")->private_key, 0600);
  auto ended = ssh_to(server, {"true"});
  CHECK(ended.code == 255);
  CHECK(ended.err.find("Permission denied (publickey)") != std::string::npos);
}

TEST_CASE("ssh: only names log in, not numbers or groups") {
  Server server;
  for (const auto& name : {std::string("no-such-user"), std::to_string(::geteuid()), own_name() + ":0"}) {
    INFO(name);
    std::vector<std::string> argv = {"ssh"};
    for (auto& option : server.options()) argv.push_back(option);
    argv.insert(argv.end(), {"-l", name, "127.0.0.1", "true"});
    CHECK(run(server, argv).code == 255);
  }
}

TEST_CASE("ssh: sftp puts and gets files") {
  Server server;
  server.dir.put("mine", "some\nbytes");
  std::vector<std::string> argv = {"sftp", "-b", "-"};
  for (auto& option : server.options()) argv.push_back(option);
  argv.push_back(server.target());
  auto there = server.dir / "there";
  auto ended = run(server, argv,
                   "put mine " + there + "\nls -l " + there + "\nget " + there + " back\nrm " + there + "\nmkdir " +
                       there + "\nrmdir " + there + "\ndf " + server.dir.path() + "\n");
  INFO(ended.out << ended.err);
  CHECK(ended.code == 0);
  CHECK(server.dir.get("back") == "some\nbytes");
  CHECK_FALSE(std::filesystem::exists(there));
}

TEST_CASE("ssh: scp copies trees, with modes and times") {
  Server server;
  server.dir.put("tree/inner/a file", std::string(300'000, 'x'));
  std::filesystem::permissions(server.dir / "tree/inner/a file", std::filesystem::perms(0754));
  std::vector<std::string> argv = {"scp", "-r", "-p"};
  for (auto& option : server.options()) argv.push_back(option);
  argv.push_back("tree");
  argv.push_back(server.target() + ":" + (server.dir / "copy"));
  auto ended = run(server, argv);
  INFO(ended.err);
  CHECK(ended.code == 0);
  CHECK(server.dir.get("copy/inner/a file").size() == 300'000);
  auto mode = std::filesystem::status(server.dir / "copy/inner/a file").permissions();
  CHECK(mode == std::filesystem::perms(0754));
}

TEST_CASE("ssh: ports are forwarded in both directions") {
  Server server;
  Greeter greeter;
  CHECK(ssh_to(server, {}, "", {"-W", "127.0.0.1:" + greeter.port}).out == "hello");
  // -R: a port of the guest leads to a port of the client, which is the same server again.
  std::string line = "ssh -R 0:127.0.0.1:" + server.port;
  for (auto& option : server.options()) line += " '" + option + "'";
  line += " " + server.target() +
          " 'bash -c \"read port; exec 3<>/dev/tcp/127.0.0.1/\\$port; head -c 8 <&3\"' <fifo 2>log & "
          "exec 4>fifo; until grep -q Allocated log; do sleep 0.02; done; "
          "sed -n 's/Allocated port \\([0-9]*\\) .*/\\1/p' log >&4; exec 4>&-; wait";
  (void)::mkfifo((server.dir / "fifo").c_str(), 0600);
  CHECK(run(server, {"bash", "-c", line}).out == "SSH-2.0-");
  // A port on which nobody listens.
  CHECK(ssh_to(server, {}, "", {"-W", "127.0.0.1:1"}).code == 255);
}

TEST_CASE("ssh: the client's authentication agent is reached") {
  Server server;
  std::vector<std::string> argv = {"ssh-agent", "sh", "-c"};
  std::string line = "ssh-add -q " + (server.dir / "key") + " && ssh -A";
  for (auto& option : server.options()) line += " '" + option + "'";
  argv.push_back(line + " " + server.target() + " 'ssh-add -l; test -S $SSH_AUTH_SOCK; echo $SSH_AUTH_SOCK'");
  auto ended = run(server, argv);
  INFO(ended.err);
  CHECK(ended.out.find("ED25519") != std::string::npos);
}

TEST_CASE("ssh: many channels of one connection work beside each other") {
  Server server;
  auto control = std::vector<std::string>{"-o", "ControlPath=" + (server.dir / "control")};
  auto master = control;
  master.insert(master.end(), {"-o", "ControlMaster=yes", "-o", "ControlPersist=yes", "-f", "-N"});
  REQUIRE(ssh_to(server, {}, "", master).code == 0);
  std::string line = "for i in 1 2 3 4 5 6; do (ssh";
  for (auto& option : server.options()) line += " '" + option + "'";
  for (auto& option : control) line += " '" + option + "'";
  line += " " + server.target() + " \"head -c 400000 /dev/zero; exit $i\" >part$i; echo $? >>codes) & done; wait";
  CHECK(run(server, {"sh", "-c", line}).code == 0);
  for (int at = 1; at <= 6; ++at) CHECK(server.dir.get("part" + std::to_string(at)).size() == 400'000);
  CHECK(run(server, {"sort", "codes"}).out == "1\n2\n3\n4\n5\n6\n");
  auto exit = control;
  exit.insert(exit.end(), {"-O", "exit"});
  CHECK(ssh_to(server, {}, "", exit).code == 0);
}

TEST_CASE("ssh: a client that goes away takes its command along") {
  Server server;
  auto line = "trap 'touch " + (server.dir / "hung-up") + "; exit' HUP; touch " + (server.dir / "runs") +
              "; while :; do sleep 0.02; done";
  std::string all = "ssh";
  for (auto& option : server.options()) all += " '" + option + "'";
  all += " " + server.target() + " \"$0\" & while ! test -e runs; do sleep 0.02; done; kill -9 $!";
  run(server, {"sh", "-c", all, line});
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!std::filesystem::exists(server.dir / "hung-up") && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(std::filesystem::exists(server.dir / "hung-up"));
}
