"""The handlers behind the API's paths, a file a resource: each takes an `ApiRequest` and gives a `HandlerReply`."""
