// A plugin in C#. It calls each URL of its input with the token, or revokes the token.
using System;
using System.IO;
using System.Net;
using System.Text;

static class Plugin
{
    static Client NewClient(string password)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(password);
        Native.Check(Native.tokenlease_config_new(out Config config, out Error error), error);
        using (config)
        {
            Native.Check(Native.tokenlease_config_load_environment(config, out error), error);
            Native.Check(
                Native.tokenlease_config_set_password(config, bytes, (UIntPtr)bytes.Length, out error), error);
            Native.Check(Native.tokenlease_client_new(config, IntPtr.Zero, out Client client, out error), error);
            return client;
        }
    }

    static HttpWebResponse Send(string url, string authorization, string field)
    {
        var request = WebRequest.CreateHttp(url);
        request.ContentType = "application/json";
        if (field == null) { request.Headers["Authorization"] = authorization; }
        else
        {
            request.Method = "POST";
            using (var writer = new StreamWriter(request.GetRequestStream()))
            {
                writer.Write("{\"Text\":\"hello\"," + field + "}");
            }
        }
        try { return (HttpWebResponse)request.GetResponse(); }
        catch (WebException error) when (error.Response != null) { return (HttpWebResponse)error.Response; }
    }

    // Calls an API, and once more if it rejected the token.
    static string CallApi(Client client, string url)
    {
        string answer = null;
        int attempts = 0;
        Exception failure = null;
        Native.Function function = (user, token, response) =>
        {
            try
            {
                attempts++;
                string authorization = Native.Text(Native.tokenlease_token_authorization(token));
                using (var got = Send(url, authorization, Native.Text(Native.tokenlease_token_json_field(token))))
                using (var reader = new StreamReader(got.GetResponseStream()))
                {
                    int status = (int)got.StatusCode;
                    string body = reader.ReadToEnd();
                    byte[] bytes = Encoding.UTF8.GetBytes(body);
                    answer = $"HTTP {status}, attempts: {attempts}, {body}";
                    return Native.tokenlease_response_set(
                        response, status, bytes, (UIntPtr)bytes.Length, IntPtr.Zero);
                }
            }
            catch (Exception error) { failure = error; return 1; }
        };
        int result = Native.tokenlease_client_call(client, IntPtr.Zero, function, IntPtr.Zero, out Error details);
        GC.KeepAlive(function);
        try { Native.Check(result, details); }
        catch (TokenleaseException) when (failure != null) { throw failure; }
        return answer;
    }

    static string Revoke(Client client)
    {
        Native.Check(Native.tokenlease_client_token(client, IntPtr.Zero, out Token token, out Error error), error);
        using (token)
        {
            Native.Check(
                Native.tokenlease_client_revoke(client, token, IntPtr.Zero, out bool proven, out error), error);
            return "revoked a token that expires at " + Native.tokenlease_token_expires_at_ms(token);
        }
    }

    static void Main()
    {
        using (Client client = NewClient(Environment.GetEnvironmentVariable("PASSWORD")))
        {
            for (string line; (line = Console.ReadLine()) != null;)
            {
                try { Console.WriteLine(line == "revoke" ? Revoke(client) : CallApi(client, line)); }
                catch (Exception error) when (error is TokenleaseException || error is WebException)
                {
                    Console.WriteLine("error: " + error.Message);
                }
            }
        }
    }
}
