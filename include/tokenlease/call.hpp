/* A call of an API, which the library repeats once if the API rejected the token. */
#ifndef TOKENLEASE_CALL_HPP
#define TOKENLEASE_CALL_HPP

#include <tokenlease/result.hpp>
#include <tokenlease/token.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tokenlease {

/* The answer of an API. Of the headers only WWW-Authenticate and Content-Type count, so others can be
   left out. */
struct Response {
    int http_status = 0;
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {};
};

namespace detail {

/* Runs a function of the program in tokenlease_client_call. */
template <typename Function> class ApiCall {
  public:
    explicit ApiCall(Function &function) noexcept : function_(function) {}

    Result<Response> run(const tokenlease_client *client, const tokenlease_token_options *options)
    {
        auto done = attempt([&](auto error) {
            return tokenlease_client_call(client, options, call, this, error);
        });
#if TOKENLEASE_HAS_EXCEPTIONS
        if (thrown_) {
            std::rethrow_exception(std::move(thrown_));
        }
#endif
        if (invalid_) {
            return *std::move(invalid_);
        }
        return done ? Result<Response>(*std::move(response_)) : Result<Response>(done.error());
    }

  private:
    static std::int32_t TOKENLEASE_CALL call(void *user, const tokenlease_token *token,
                                             tokenlease_response *response) noexcept
    {
        auto &self = *static_cast<ApiCall *>(user);
#if TOKENLEASE_HAS_EXCEPTIONS
        try {
            return self.answer(token, response) ? 0 : -1;
        } catch (...) {
            self.thrown_ = std::current_exception();
            return -1;
        }
#else
        return self.answer(token, response) ? 0 : -1;
#endif
    }

    bool answer(const tokenlease_token *token, tokenlease_response *response)
    {
        const BorrowedToken borrowed(token);
        response_ = function_(*borrowed);
        if (!response_) {
            return false;
        }
        for (const auto &header : response_->headers) {
            if (!fill([&](auto error) {
                    return tokenlease_response_add_header(
                        response, header.first.data(), header.first.size(), header.second.data(),
                        header.second.size(), error);
                })) {
                return false;
            }
        }
        const std::string &body = response_->body;
        return fill([&](auto error) {
            return tokenlease_response_set(response, response_->http_status, body.data(),
                                           body.size(), error);
        });
    }

    /* Fills in the response. An error is the result of the whole call. */
    template <typename Call> bool fill(Call &&call)
    {
        const Result<void> done = attempt(std::forward<Call>(call));
        if (!done) {
            invalid_ = done.error();
        }
        return done.has_value();
    }

    Function &function_;
    std::optional<Response> response_;
    std::optional<Error> invalid_;
#if TOKENLEASE_HAS_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

} // namespace detail

} // namespace tokenlease

#endif
