// The main of the tests, in a file of its own because Catch2 2.13 takes long to compile here.
// With Catch2 3 this file is empty, and main comes from its library Catch2Main.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
