/*
 * tokenlease for C++17 and later: classes that own the handles of tokenlease.h.
 *
 * The rules of tokenlease.h for threads, forks and secrets apply.
 *
 * Errors. Each call that can fail has two forms: token() throws an Error, and try_token() returns a
 * Result with the value or the Error. With -fno-exceptions, only the try_ forms exist, and
 * try_create makes the objects.
 *
 * Texts. Arguments are string literals, std::string or std::string_view, or char pointers that end at
 * a NUL. A NULL pointer, a text that is not UTF-8, and a NUL inside a text are errors with the status
 * TOKENLEASE_BAD_ARGUMENT. A std::string that is passed as an rvalue is overwritten, because it may
 * be a secret.
 */
#ifndef TOKENLEASE_HPP
#define TOKENLEASE_HPP

#include <tokenlease/call.hpp>
#include <tokenlease/client.hpp>
#include <tokenlease/config.hpp>
#include <tokenlease/effect.hpp>
#include <tokenlease/error.hpp>
#include <tokenlease/exchange.hpp>
#include <tokenlease/machine.hpp>
#include <tokenlease/options.hpp>
#include <tokenlease/result.hpp>
#include <tokenlease/store.hpp>
#include <tokenlease/text.hpp>
#include <tokenlease/token.hpp>
#include <tokenlease/version.hpp>

#endif
