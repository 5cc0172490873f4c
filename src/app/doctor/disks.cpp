// How fast and how full the file system of the runs is, as one rank of each host sees it.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/display.h"
#include "checks.h"
#include "judge.h"
#include "reckon/base/error.h"

namespace reckon::doctor {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A file system, by the number that statfs gives it.
struct FileSystem {
  long number;
  const char* name;
  bool is_remote;    ///< other hosts write to it, too, and what they wrote comes late
  bool is_volatile;  ///< gone when the machine is
};
constexpr std::array kFileSystems = {
    FileSystem{0x6969, "NFS", true, false},           FileSystem{0x0BD00BD0, "Lustre", true, false},
    FileSystem{0x47504653, "GPFS", true, false},      FileSystem{0x19830326, "BeeGFS", true, false},
    FileSystem{0x00C36400, "Ceph", true, false},      FileSystem{0x01021997, "9P", true, false},
    FileSystem{0xFF534D42, "CIFS", true, false},      FileSystem{0xFE534D42, "SMB", true, false},
    FileSystem{0x65735546, "FUSE", true, false},      FileSystem{0x01021994, "tmpfs", false, true},
    FileSystem{0x794C7630, "overlayfs", false, true}, FileSystem{0xEF53, "ext4", false, false},
    FileSystem{0x58465342, "XFS", false, false},      FileSystem{0x9123683E, "btrfs", false, false},
    FileSystem{0x2FC12FC1, "ZFS", false, false},
};

/// Closes and removes its file.
class TrialFile {
 public:
  explicit TrialFile(fs::path path) : path_(std::move(path)) {
    file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file_ < 0) throw system_error(ExitCode::io, path_.string() + ": cannot be made", errno);
  }
  ~TrialFile() {
    close(file_);
    unlink(path_.c_str());
  }
  TrialFile(const TrialFile&) = delete;
  TrialFile& operator=(const TrialFile&) = delete;

  void write(const std::string& bytes) const {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(file_, bytes.data() + done, bytes.size() - done);
      if (count < 0) throw system_error(ExitCode::io, path_.string() + ": cannot write", errno);
      done += static_cast<std::size_t>(count);
    }
  }
  void sync() const {
    if (fsync(file_) != 0) throw system_error(ExitCode::io, path_.string() + ": fsync failed", errno);
  }

 private:
  fs::path path_;
  int file_;
};

/// s that an fsync of one block takes, the median.
double fsync_seconds(const fs::path& folder) {
  const TrialFile file(folder / "synced");
  std::vector<double> times;
  for (const auto start = Clock::now();
       times.size() < 5 || (times.size() < 50 && seconds_since(start) < 0.3);) {
    const auto begin = Clock::now();
    file.write(std::string(4096, 'x'));
    file.sync();
    times.push_back(seconds_since(begin));
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

/// byte/s of writing until it is on the disk: 64 MiB, or as much as half a second takes.
double write_speed(const fs::path& folder) {
  const std::string piece(std::size_t{4} << 20, 'x');
  const TrialFile file(folder / "written");
  const auto start = Clock::now();
  std::size_t bytes = 0;
  for (int i = 0; i < 16 && (i == 0 || seconds_since(start) < 0.5); ++i) {
    file.write(piece);
    bytes += piece.size();
  }
  file.sync();
  return static_cast<double>(bytes) / seconds_since(start);
}

json speed_here(const fs::path& folder) {
  return {{"fsync_s", fsync_seconds(folder)}, {"speed", write_speed(folder)}};
}

json space_here(const fs::path& folder) {
  struct statfs info {};
  struct statvfs space {};
  if (statfs(folder.c_str(), &info) != 0 || statvfs(folder.c_str(), &space) != 0)
    throw system_error(ExitCode::io, folder.string() + ": cannot be looked at", errno);
  const auto number = static_cast<long>(static_cast<unsigned int>(info.f_type));
  const auto found = std::find_if(kFileSystems.begin(), kFileSystems.end(),
                                  [&](const FileSystem& known) { return known.number == number; });
  const auto block = static_cast<double>(space.f_frsize);
  return {{"name", found == kFileSystems.end() ? "of an unknown kind" : found->name},
          {"is_remote", found != kFileSystems.end() && found->is_remote},
          {"is_volatile", found != kFileSystems.end() && found->is_volatile},
          {"free", static_cast<double>(space.f_bavail) * block},
          {"size", static_cast<double>(space.f_blocks) * block},
          {"free_files", space.f_files == 0 ? -1.0 : static_cast<double>(space.f_favail)}};
}

/// What one rank of each host says, by the order of hosts; failures go into the finding. Collective.
std::vector<std::optional<json>> of_each_host(Examination& examination, json (*look)(const fs::path&),
                                              Finding& finding) {
  const std::vector<HostRanks> hosts = hosts_of(examination.facts);
  json mine;
  for (const HostRanks& host : hosts) {
    if (host.ranks.front() != examination.world.rank()) continue;
    try {
      mine = look(examination.scratch.mine("disk"));
    } catch (const std::exception& error) {
      mine = {{"problem", error.what()}};
    }
  }
  const auto all = examination.world.all_gather(mine.dump(-1, ' ', false, json::error_handler_t::replace));
  std::vector<std::optional<json>> said;
  for (const HostRanks& host : hosts) {
    json one = json::parse(all.at(static_cast<std::size_t>(host.ranks.front())));
    if (one.contains("problem")) {
      finding.fail(host.host + ": " + one.at("problem").get<std::string>());
      said.emplace_back();
    } else {
      said.emplace_back(std::move(one));
    }
  }
  return said;
}

}  // namespace

Finding check_disk_speed(Examination& examination) {
  constexpr double kSlowSync = 0.1, kSlowSpeed = 20e6;  // s, byte/s
  const std::vector<HostRanks> hosts = hosts_of(examination.facts);
  Finding finding;
  const auto said = of_each_host(examination, speed_here, finding);
  double slowest_sync = 0, slowest = 0, sum = 0;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!said[i]) continue;
    const double sync_s = said[i]->at("fsync_s"), speed = said[i]->at("speed");
    slowest_sync = std::max(slowest_sync, sync_s);
    slowest = slowest == 0 ? speed : std::min(slowest, speed);
    sum += speed;
    if (sync_s > kSlowSync)
      finding.warn(
          "fsync takes " + time_text(sync_s) + " on " + hosts[i].host +
          ": each step makes its log durable by it. Put runs on a faster file system, or do longer steps");
    if (speed < kSlowSpeed)
      finding.warn(hosts[i].host + " writes at " + speed_text(speed) + ": a checkpoint of 10 GB takes " +
                   time_text(1e10 / speed) +
                   ". Put runs on a faster file system, or raise checkpoint.every_steps");
  }
  finding.found = "fsync " + time_text(slowest_sync) + ", writes " + speed_text(slowest) +
                  (said.size() == 1 ? "" : " a host, all hosts at once " + speed_text(sum));
  return finding;
}

Finding check_disk_space(Examination& examination) {
  constexpr double kLittle = 5e9, kNothing = 100e6, kFewFiles = 10'000;  // bytes, bytes, files
  const std::vector<HostRanks> hosts = hosts_of(examination.facts);
  Finding finding;
  const auto said = of_each_host(examination, space_here, finding);
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!said[i]) continue;
    const double free = said[i]->at("free"), files = said[i]->at("free_files");
    const std::string name = said[i]->at("name");
    const std::string where = examination.folder.string() + " on " + hosts[i].host;
    if (i == 0)
      finding.found = name + ", " + fixed(free / 1e9, 1) + " of " +
                      fixed(said[i]->at("size").get<double>() / 1e9, 1) + " GB free";
    const std::string left = where + " has " + fixed(free / 1e9, 1) + " GB free";
    if (free < kNothing) {
      finding.fail(left + ": no checkpoint fits");
    } else if (free < kLittle) {
      finding.warn(left +
                   ": checkpoint.keep_last and the size of the rollout logs decide for how long that lasts");
    }
    if (files >= 0 && files < kFewFiles)
      finding.warn(where + " has room for " + fixed(files, 0) +
                   " files more: a quota, or a full table of inodes");
    if (said[i]->at("is_volatile") == true)
      finding.warn(where + " is " + name + ": runs are gone when the machine or container is");
    if (said[i]->at("is_remote") == true && i == 0)
      finding.warn(
          "logs that are being written are not to be read from another host over " + name +
          " (HDF5's SWMR is not safe there): read them on the host that writes, or when their segment is "
          "closed");
  }
  return finding;
}

}  // namespace reckon::doctor
