//! Answers that end at each of their bytes, with a close or a reset.

use tokenlease::{ErrorKind, HttpOptions};

use crate::{
    raw::{Process, ask, server},
    secrets::{self, TOKEN},
};

/// Ends the same answer at each of its bytes, for one user each. Returns the results.
async fn cut(resets: bool, answer: &'static str) -> Vec<Result<String, ErrorKind>> {
    let _alone = secrets::watch_the_log().await;
    let (address, seen) = server(resets, move |request| {
        let length = request.number.min(answer.len());
        request.write(&answer[..length]);
    });
    let process = Process::new(HttpOptions::new());
    let mut tasks = Vec::new();
    for length in 0..=answer.len() {
        let client = process.client(&format!("http://{address}"), &format!("u{length}"));
        tasks.push(tokio::spawn(async move {
            let mut results = Vec::new();
            for _ in 0..3 {
                results.push(ask(&client).await.map_err(|error| error.kind()));
            }
            results.dedup();
            assert_eq!(results.len(), 1, "{length}: {results:?}");
            results.remove(0)
        }));
    }
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    for length in 0..=answer.len() {
        assert_eq!(seen.logins(&format!("u{length}")), 1, "an answer of {length} bytes");
    }
    results
}

/// Rule: Login: an answer that ends at any byte costs one login: a token if its JSON is whole, a lost
/// login else.
/// Reported as seanmonstar/reqwest#1769.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_at_any_byte_costs_one_login() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n\
                  {\"access_token\":\"canary-of-the-token\",\"token_type\":\"Bearer\"}    ";
    let whole = answer.find('}').unwrap() + 1;
    for resets in [false, true] {
        for (length, result) in cut(resets, answer).await.into_iter().enumerate() {
            match result {
                Ok(token) => assert!(length >= whole && token == TOKEN, "{length}"),
                Err(kind) => {
                    assert_eq!(kind, ErrorKind::Transport, "{length}");
                    // A reset may overtake what was sent before it.
                    assert!(resets || length < whole, "{length}");
                }
            }
        }
    }
}

/// Rule: Circuit: a rejection that ends at any byte after its head is a rejection, and costs one login.
#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_that_ends_at_any_byte_after_its_head_is_a_rejection() {
    let answer =
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 40\r\n\r\n{\"error\":\"invalid_client\"}";
    let head = answer.find('{').unwrap();
    for resets in [false, true] {
        for (length, result) in cut(resets, answer).await.into_iter().enumerate() {
            let kind = result.unwrap_err();
            let expected =
                if length >= head { ErrorKind::CredentialsRejected } else { ErrorKind::Transport };
            assert!(
                kind == expected || (resets && kind == ErrorKind::Transport),
                "{length}: {kind}"
            );
        }
    }
}
