#include "image/names.h"

#include "catch.h"
#include "image/store.h"

using namespace banger;
using namespace image;

namespace {

constexpr std::string_view kHub = "docker.io";
using Names = std::vector<std::string>;

std::string full(std::string_view text) {
  auto name = full_name(text, kHub);
  return name ? *name : "error: " + name.error().sentence();
}

Image named(std::string id, std::string name, Names others = {}) {
  Image image;
  image.id = std::move(id);
  image.name = std::move(name);
  image.other_names = std::move(others);
  return image;
}

}  // namespace

TEST_CASE("image names: an image keeps its other names when one goes") {
  Image image;
  add_name(image, "one");
  add_name(image, "two");
  add_name(image, "one");
  CHECK(names_of(image) == Names{"one", "two"});
  drop_name(image, "one");
  CHECK(image.name == "two");
  drop_name(image, "absent");
  drop_name(image, "two");
  CHECK(names_of(image).empty());
  CHECK_FALSE(has_name(image, ""));
}

TEST_CASE("image names: a plain name stays, and a reference is completed") {
  CHECK(full("mine") == "mine");
  CHECK(full("python:3") == "docker.io/library/python:3");
  CHECK(full("team/app") == "docker.io/team/app:latest");
  CHECK_THAT(full("Mine"), Catch::Matchers::Contains("not a valid image name"));
  CHECK_THAT(full("a/b@sha256:" + std::string(64, 'a')), Catch::Matchers::Contains("a name has no digest"));
}

TEST_CASE("image names: a reference finds the image by its full name") {
  auto image = named("a", "mine", {"docker.io/library/python:latest"});
  CHECK(name_meant(image, "python", kHub) == "docker.io/library/python:latest");
  CHECK(name_meant(image, "mine", kHub) == "mine");
  CHECK_FALSE(name_meant(image, "python:3", kHub));
  CHECK_FALSE(name_meant(image, "python", "other.test"));
}

TEST_CASE("image names: only full references and plain names are kept") {
  CHECK(check_image_name("mine"));
  CHECK(check_image_name("localhost:5000/a:b"));
  CHECK_FALSE(check_image_name("python:3"));
  CHECK_FALSE(check_image_name("../x"));
}

TEST_CASE("image names: of two images with one name, the newer image has it") {
  std::vector<Image> images{named("new", "app"), named("old", "app", {"backup"})};
  keep_newest_names(images);
  CHECK(images[0].name == "app");
  CHECK(names_of(images[1]) == Names{"backup"});
}
