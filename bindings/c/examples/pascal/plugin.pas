{ A plugin in Free Pascal. It calls each URL of its input with the token, or revokes the token. }
program plugin;

{$mode objfpc}{$H+}

uses
  SysUtils, Classes, fphttpclient, tokenlease, tokenclient;

type
  TPlugin = class
  private
    FUrl, FAnswer: string;
    FAttempts: Integer;
    function Send(Token: Pointer; out Body: string): Integer;
  public
    function CallApi(Client: TTokenClient; const Url: string): string;
  end;

function TPlugin.Send(Token: Pointer; out Body: string): Integer;
var
  Http: TFPHTTPClient;
  Answer: TStringStream;
  Field: PChar;
begin
  Inc(FAttempts);
  Http := TFPHTTPClient.Create(nil);
  Answer := TStringStream.Create('');
  try
    Http.IOTimeout := 10000;
    Http.AddHeader('Content-Type', 'application/json');
    Field := tokenlease_token_json_field(Token);
    if Field <> nil then
    begin
      Http.RequestBody := TStringStream.Create('{"Text":"hello",' + Field + '}');
      Http.HTTPMethod('POST', FUrl, Answer, []);
    end
    else
    begin
      Http.AddHeader('Authorization', tokenlease_token_authorization(Token));
      Http.HTTPMethod('GET', FUrl, Answer, []);
    end;
    Body := Answer.DataString;
    Result := Http.ResponseStatusCode;
    FAnswer := Format('HTTP %d, attempts: %d, %s', [Result, FAttempts, Body]);
  finally
    Http.RequestBody.Free;
    Http.Free;
    Answer.Free;
  end;
end;

function TPlugin.CallApi(Client: TTokenClient; const Url: string): string;
begin
  FUrl := Url;
  FAttempts := 0;
  Client.Call(@Send);
  Result := FAnswer;
end;

var
  Client: TTokenClient;
  Caller: TPlugin;
  Line: string;
begin
  Client := TTokenClient.Create(GetEnvironmentVariable('PASSWORD'));
  Caller := TPlugin.Create;
  try
    while not EOF do
    begin
      ReadLn(Line);
      try
        if Line = 'revoke' then
          WriteLn(Format('revoked a token that expires at %d', [Client.Revoke]))
        else
          WriteLn(Caller.CallApi(Client, Line));
      except
        on Error: Exception do
          WriteLn('error: ', Error.Message);
      end;
      Flush(Output);
    end;
  finally
    Caller.Free;
    Client.Free;
  end;
end.
