{ The functions of tokenlease.h that a plugin needs, and their errors as exceptions. }
unit tokenlease;

{$mode objfpc}{$H+}
{$linklib tokenlease}

interface

uses
  ctypes, SysUtils;

type
  ETokenlease = class(Exception);
  { Called on the calling thread. An exception must not pass through the library. }
  TCallFunction = function(User, Token, Response: Pointer): cint32; cdecl;

function tokenlease_error_message(Error: Pointer): PChar; cdecl; external;
procedure tokenlease_error_free(Error: Pointer); cdecl; external;

function tokenlease_config_new(var Config, Error: Pointer): cint; cdecl; external;
function tokenlease_config_load_environment(Config: Pointer; var Error: Pointer): cint; cdecl; external;
function tokenlease_config_set_password(Config: Pointer; Text: PChar; Length: csize_t;
  var Error: Pointer): cint; cdecl; external;
procedure tokenlease_config_free(Config: Pointer); cdecl; external;

function tokenlease_client_new(Config, Registry: Pointer; var Client, Error: Pointer): cint; cdecl; external;
function tokenlease_client_token(Client, Options: Pointer; var Token, Error: Pointer): cint; cdecl; external;
function tokenlease_client_revoke(Client, Token, Options: Pointer; var Proven: ByteBool;
  var Error: Pointer): cint; cdecl; external;
function tokenlease_client_call(Client, Options: Pointer; Call: TCallFunction; User: Pointer;
  var Error: Pointer): cint; cdecl; external;
function tokenlease_response_set(Response: Pointer; Status: cint32; Body: PChar; Length: csize_t;
  Error: Pointer): cint; cdecl; external;
procedure tokenlease_client_free(Client: Pointer); cdecl; external;

function tokenlease_token_authorization(Token: Pointer): PChar; cdecl; external;
function tokenlease_token_json_field(Token: Pointer): PChar; cdecl; external;
function tokenlease_token_expires_at_ms(Token: Pointer): cint64; cdecl; external;
procedure tokenlease_token_free(Token: Pointer); cdecl; external;

{ Raises the error of a call that failed. }
procedure Check(Status: cint; var Error: Pointer);

implementation

procedure Check(Status: cint; var Error: Pointer);
begin
  if Status = 0 then Exit;
  try
    raise ETokenlease.Create(tokenlease_error_message(Error));
  finally
    tokenlease_error_free(Error);
  end;
end;

end.
