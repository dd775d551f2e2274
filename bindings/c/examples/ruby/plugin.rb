# A plugin in Ruby. It calls each URL of its input with the token, or revokes the token.
require 'fiddle/import'
require 'net/http'

# The functions of the library, as tokenlease.ffi.h declares them.
module Library
  extend Fiddle::Importer
  dlload 'libtokenlease.so.0.1'
  { int32_t: 'int', int64_t: 'long long', uint64_t: 'unsigned long long', bool: 'char' }
    .each { |name, type| typealias name.to_s, type }
  header = File.read("#{ENV.fetch('PREFIX')}/include/tokenlease.ffi.h").gsub(%r{/\*.*?\*/}m, '')
  header.scan(/^typedef enum (\w+)/) { |(name)| typealias name, 'int' }
  header.scan(/^typedef .*?\(\*(\w+)\)/) { |(name)| typealias name, 'void *' }
  header.split(';').grep(/\A\s+(?!typedef).*\(/).each { |declaration| extern declaration.strip.tr("\n", ' ') }
end

# Gets a token once and calls APIs with it.
class Client
  class Error < StandardError; end

  # Passes a client to the block, and frees it afterwards.
  def self.open(password)
    handle(:config, :config_new) do |config|
      call(:config_load_environment, config)
      call(:config_set_password, config, password)
      handle(:client, :client_new, config, nil) { |client| yield new(client) }
    end
  end

  # Calls a function that can fail. A string, which is UTF-8, is passed with its length in bytes.
  def self.call(function, *arguments)
    arguments = arguments.flat_map { |one| one.is_a?(String) ? [one, one.bytesize] : [one] }
    error = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
    return if Library.public_send("tokenlease_#{function}", *arguments, error).zero?
    message = Library.tokenlease_error_message(error.ptr).to_s.force_encoding('UTF-8')
    Library.tokenlease_error_free(error.ptr)
    raise Error, message
  end

  # Passes the handle that a call returns to the block, and frees it afterwards.
  def self.handle(kind, function, *arguments)
    place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
    call(function, *arguments, place)
    handle = place.ptr
    yield handle
  ensure
    Library.public_send("tokenlease_#{kind}_free", handle)
  end

  def initialize(client)
    @client = client
  end

  # Passes a token to the block, which returns the status and the body of an API's answer, and once more if
  # the API rejected the token. An exception of the block must not pass through the library.
  def call
    failure = nil
    types = [Fiddle::TYPE_VOIDP] * 3
    function = Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_INT, types) do |_, token, response|
      Client.call(:response_set, response, *yield(token))
      0
    rescue Exception => failure # rubocop:disable Lint/RescueException
      1
    end
    Client.call(:client_call, @client, nil, function, nil)
  rescue Error => error
    raise failure || error
  end

  # Revokes the token, and returns when it expires, in milliseconds since 1970.
  def revoke
    Client.handle(:token, :client_token, @client, nil) do |token|
      Client.call(:client_revoke, @client, token, nil, Fiddle::Pointer["\0"])
      Library.tokenlease_token_expires_at_ms(token)
    end
  end
end

def request(uri, token)
  field = Library.tokenlease_token_json_field(token)
  return Net::HTTP.get_response(uri, Authorization: Library.tokenlease_token_authorization(token).to_s) if field.null?

  Net::HTTP.post(uri, "{\"Text\":\"hello\",#{field}}", 'Content-Type': 'application/json')
end

Client.open(ENV.fetch('PASSWORD')) do |client|
  $stdout.sync = true
  $stdin.each_line(chomp: true) do |line|
    next puts "revoked a token that expires at #{client.revoke}" if line == 'revoke'

    answers = []
    client.call { |token| (answers << request(URI(line), token)).last.then { |it| [it.code.to_i, it.body] } }
    puts "HTTP #{answers.last.code}, attempts: #{answers.size}, #{answers.last.body}"
  rescue Client::Error, SystemCallError => error
    puts "error: #{error.message}"
  end
end
