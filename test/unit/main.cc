// Catch2 2.x brings no compiled main; 3.x does (Catch2WithMain), and then this file is empty.
#if !__has_include(<catch2/catch_test_macros.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
