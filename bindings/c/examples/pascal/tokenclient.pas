{ A class that owns a client of the library, and raises its errors. }
unit tokenclient;

{$mode objfpc}{$H+}
interface

uses
  ctypes, tokenlease;

type
  { Sends a request with the token, and returns the body and the HTTP status of the answer. }
  TApi = function(Token: Pointer; out Body: string): Integer of object;
  { Gets a token once and calls APIs with it. Any number of threads may use it. }
  TTokenClient = class
  private
    FClient: Pointer;
  public
    { Makes a client from the environment and a password. }
    constructor Create(const Password: string);
    destructor Destroy; override;
    { Calls an API, and once more if it rejected the token. }
    procedure Call(Api: TApi);
    { Revokes the token, and returns when it expires, in milliseconds since 1970. }
    function Revoke: Int64;
  end;

implementation

constructor TTokenClient.Create(const Password: string);
var
  Config: Pointer = nil;
  Error: Pointer = nil;
begin
  try
    Check(tokenlease_config_new(Config, Error), Error);
    Check(tokenlease_config_load_environment(Config, Error), Error);
    Check(tokenlease_config_set_password(Config, PChar(Password), Length(Password), Error), Error);
    Check(tokenlease_client_new(Config, nil, FClient, Error), Error);
  finally
    tokenlease_config_free(Config);
  end;
end;

destructor TTokenClient.Destroy;
begin
  tokenlease_client_free(FClient);
  inherited;
end;

type
  PCalled = ^TCalled;
  TCalled = record
    Api: TApi;
    Failure: TObject;
  end;

function CallApi(User, Token, Response: Pointer): cint32; cdecl;
var
  Body: string;
  Status: Integer;
begin
  try
    Status := PCalled(User)^.Api(Token, Body);
    Result := tokenlease_response_set(Response, Status, PChar(Body), Length(Body), nil);
  except
    PCalled(User)^.Failure := TObject(AcquireExceptionObject);
    Result := 1;
  end;
end;

procedure TTokenClient.Call(Api: TApi);
var
  Called: TCalled;
  Error: Pointer = nil;
  Status: cint;
begin
  Called.Api := Api;
  Called.Failure := nil;
  Status := tokenlease_client_call(FClient, nil, @CallApi, @Called, Error);
  if Called.Failure = nil then Check(Status, Error);
  tokenlease_error_free(Error);
  if Called.Failure <> nil then raise Called.Failure;
end;

function TTokenClient.Revoke: Int64;
var
  Token: Pointer = nil;
  Error: Pointer = nil;
  Proven: ByteBool = False;
begin
  try
    Check(tokenlease_client_token(FClient, nil, Token, Error), Error);
    Check(tokenlease_client_revoke(FClient, Token, nil, Proven, Error), Error);
    Result := tokenlease_token_expires_at_ms(Token);
  finally
    tokenlease_token_free(Token);
  end;
end;

end.
