//! The C and C++ samples of this package's README compile and run. `tests/documents` runs the
//! others.

use std::fs;

use tokenlease_emulator::Emulator;

use crate::support::{Provider, Site, compile, compile_with, folder, root, succeed};

/// Returns the first code block in that language.
fn sample<'a>(page: &'a str, language: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let (_, code) = page.split_once(&fence).expect("a sample in that language");
    code.split_once("```").expect("a block that ends").0
}

#[test]
fn the_samples_of_the_readme_compile_and_run() {
    // A provider that knows the user of the samples.
    let builder = Emulator::builder().winkas_credentials("NAME", "PASSWORD", "CODE");
    let site = Site { emulator: builder.start_blocking().unwrap(), provider: Provider::Winkas };
    let server = site.emulator.winkas().server();
    let page = fs::read_to_string(root().join("bindings/c/README.md")).unwrap();
    for language in ["c", "cpp"] {
        let source = folder("programs").join(format!("readme.{language}"));
        fs::write(&source, sample(&page, language)).unwrap();
        let Some(program) = compile(&source, &format!("readme-{language}")) else { return };
        succeed(site.command(program).env("SERVER", &server));
    }
    assert_eq!(site.logins(), 1, "the second program finds the token of the first by a refetch");
}

/// The program around the loop in C.
const LOOP_IN_C: [&str; 2] = [
    "#define TOKENLEASE_MUST_CHECK\n#include \"machine_support.h\"\n\
     static tokenlease_error *error = NULL;\n\
     static void send_it(tokenlease_effect *effect) { DONE(host_send(effect, &error)); }\n\
     int main(void) {\n\
     tokenlease_machine *machine = machine_of_environment();\n\
     tokenlease_machine_call *call = NULL; tokenlease_effect *effect = NULL;\n\
     tokenlease_token *token = NULL; tokenlease_result result; tokenlease_action action;\n",
    "EXPECT(!error && result == TOKENLEASE_RESULT_TOKEN && tokenlease_token_length(token) > 0);\n\
     tokenlease_machine_call_free(call); tokenlease_token_free(token);\n\
     tokenlease_machine_free(machine); return 0; }\n",
];

/// The program around the loop in C++.
const LOOP_IN_CPP: [&str; 2] = [
    "#include \"cpp_support.hpp\"\n\
     static void send_it(tokenlease::Effect &effect) {\n\
     const auto request = effect.request();\n\
     const HttpAnswer got = send_http(request->method(), std::string(request->url()),\n\
     request->headers(), request->body());\n\
     effect.answered({got.status, got.head, got.body, {}}); }\n\
     int main() {\n\
     const tokenlease::Machine machine(config_of_environment());\n",
    "EXPECT(got.token && !got.token->text().empty());\nreturn 0; }\n",
];

#[test]
fn the_loops_of_the_page_about_hosts_compile_and_run() {
    let page = fs::read_to_string(root().join("docs/hosted.md")).unwrap();
    let site = Site::start(Provider::Wyn);
    let include = format!("-I{}", root().join("bindings/c/tests/c").display());
    for (language, [before, after]) in [("c", LOOP_IN_C), ("cpp", LOOP_IN_CPP)] {
        let source = folder("programs").join(format!("hosted.{language}"));
        fs::write(&source, [before, sample(&page, language), after].concat()).unwrap();
        let name = format!("hosted-{language}");
        let Some(program) = compile_with(&source, &name, &[&include]) else { return };
        succeed(&mut site.command(program));
    }
    assert_eq!(site.logins(), 2);
}
