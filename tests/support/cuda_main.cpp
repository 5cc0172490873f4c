// The main function of tests that run on a GPU. Without a device no test begins and each is counted as
// skipped; with RECKON_REQUIRE_CUDA=1 each fails.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "reckon/cuda/runtime.h"

namespace reckon {
namespace {

/// Ends each test before it begins. What a listener adds to a test's result as the test starts counts as its
/// own.
class WithoutDevice : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo&) override {
    FAIL() << "no CUDA device, and RECKON_REQUIRE_CUDA is 1";
  }
};

bool is_required() {
  const char* required = std::getenv("RECKON_REQUIRE_CUDA");
  return required != nullptr && std::string_view(required) == "1";
}

/// Writes the results file that GoogleTest would write, with every test skipped: fixtures may hold device
/// memory, so none is made.
int skip_all() {
  using nlohmann::json;
  json suites = json::array();
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(s);
    json tests = json::array();
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const ::testing::TestInfo& test = *suite.GetTestInfo(t);
      tests.push_back({{"name", test.name()}, {"status", "RUN"}, {"result", "SKIPPED"}});
      std::cout << "[  SKIPPED ] " << suite.name() << "." << test.name() << ": no CUDA device\n";
    }
    suites.push_back({{"name", suite.name()}, {"testsuite", tests}});
  }
  const std::string output = GTEST_FLAG_GET(output);
  if (output.starts_with("json:"))
    std::ofstream(output.substr(5)) << json{{"testsuites", suites}}.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (reckon::cuda::device_count() == 0) {
    if (!reckon::is_required()) return reckon::skip_all();
    ::testing::UnitTest::GetInstance()->listeners().Append(new reckon::WithoutDevice);
  }
  return RUN_ALL_TESTS();
}
