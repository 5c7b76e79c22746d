// trama/trama.hpp -- all of trama, in the order in which it is best read.
//
// Copyright (c) 2026 the trama authors. Distributed under the Boost Software License, Version 1.0.
#ifndef TRAMA_HPP
#define TRAMA_HPP

#if __cplusplus < 201703L
#error "trama needs C++17 or newer: compile with  g++ -std=c++17 main.cpp"
#elif !defined(__cpp_exceptions)
#error "trama reports errors with exceptions: compile without  -fno-exceptions"
#else

#define TRAMA_VERSION "0.2.0"
#define TRAMA_VERSION_MAJOR 0
#define TRAMA_VERSION_MINOR 2
#define TRAMA_VERSION_PATCH 0

// One trace, one stop and one type of each exception for a program and all its shared libraries,
// also where those are compiled with -fvisibility=hidden. man 1 g++
#pragma GCC visibility push(default)

// What everything stands on: texts, the trace, errors, deadlines.
#include <trama/base/text.hpp>
#include <trama/base/system.hpp>
#include <trama/base/trace.hpp>
#include <trama/base/error.hpp>
#include <trama/base/deadline.hpp>

// Bytes and frames: no sockets in here.
#include <trama/codec/frame.hpp>
#include <trama/codec/length_prefix.hpp>
#include <trama/codec/six_digit_colon.hpp>
#include <trama/codec/line.hpp>
#include <trama/codec/byte_queue.hpp>
#include <trama/codec/frame_decoder.hpp>

// Sockets: no frames in here.
#include <trama/net/unique_fd.hpp>
#include <trama/net/endpoint.hpp>
#include <trama/net/resolve.hpp>
#include <trama/net/socket.hpp>
#include <trama/net/transfer.hpp>
#include <trama/net/connect.hpp>
#include <trama/net/listen.hpp>
#include <trama/net/tcp.hpp>
#include <trama/net/udp.hpp>
#include <trama/net/tcp_info.hpp>

// Waiting for many descriptors at once.
#include <trama/ready/interest.hpp>
#include <trama/ready/selector.hpp>
#include <trama/ready/poll_selector.hpp>
#if defined(__linux__)
#include <trama/ready/epoll_selector.hpp>
#endif
#include <trama/ready/stop_signal.hpp>
#include <trama/ready/deadlines.hpp>

// Files, and files through sockets.
#include <trama/file/folder.hpp>
#include <trama/file/atomic_file.hpp>
#include <trama/file/transfer.hpp>

// Sockets and frames together: one connection, and a server for many.
#include <trama/message/framed_stream.hpp>
#include <trama/message/callback.hpp>
#include <trama/message/message_client.hpp>
#include <trama/message/message_server.hpp>

#pragma GCC visibility pop

#endif

#endif  // TRAMA_HPP
