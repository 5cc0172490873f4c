#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "grade/expr.h"

namespace reckon {

/// Trees as bytes, between processes of one build on one machine. A message starts with a version; numbers
/// are little-endian base-128 (seven bits a byte, the highest bit where more follow).
inline constexpr unsigned char kWireVersion = 1;

/// A tree without limits of size: what the reader refuses, the caller must not send.
[[nodiscard]] std::string write_expr(const Expr& expr);

/// The tree of a whole message. Nothing for any other bytes: each length is checked against what is left,
/// trees have at most kMaxWireNodes nodes and kMaxWireDepth levels, operations and relations exist, and
/// digits are digits.
[[nodiscard]] std::optional<Expr> read_expr(std::string_view bytes);

inline constexpr std::size_t kMaxWireNodes = 4'096;
inline constexpr int kMaxWireDepth = 256;

}  // namespace reckon
