%% Starts Elixir's own command line. A cell that waits for its program has the compiler loaded when it comes.
-module(codecell_elixir).
-export([start/0]).

start() ->
    [Script | _] = init:get_plain_arguments(),
    filelib:is_regular(Script) orelse warm(),
    elixir:start_cli().

%% The working folder is in the code path, and nobody is to look into it before the program is there. Elixir adds its
%% libraries to the path when it starts.
warm() ->
    {_, ["." | [Next | _]]} = lists:splitwith(fun(Folder) -> Folder =/= "." end, code:get_path()),
    true = code:del_path("."),
    {ok, _} = application:ensure_all_started(elixir),
    Code = <<
        "defmodule Codecell.Warm do\n"
        "  defstruct [:name]\n"
        "  def f(x) when x > 0, do: Enum.map(1..x, fn n -> \"#{n}\" end) |> Enum.join(\",\")\n"
        "  def g(%{name: name}) do\n"
        "    case name do\n      nil -> {:ok, %{}}\n      _ -> for {k, v} <- name, into: %{}, do: {k, v}\n    end\n"
        "  end\n"
        "end\n"
        "Codecell.Warm.f(2)\n"
    >>,
    Modules = 'Elixir.Code':compile_string(Code, <<"warm">>),
    [forget(Module) || {Module, _} <- Modules, is_atom(Module)],
    sys:replace_state(elixir_code_server, fun forget_names/1),
    code:ensure_modules_loaded([
        'Elixir.Agent', 'Elixir.Date', 'Elixir.DateTime', 'Elixir.Exception', 'Elixir.File', 'Elixir.Float',
        'Elixir.GenServer', 'Elixir.IO', 'Elixir.Inspect', 'Elixir.Inspect.Algebra', 'Elixir.Integer',
        'Elixir.Keyword', 'Elixir.List', 'Elixir.Map', 'Elixir.MapSet', 'Elixir.Process', 'Elixir.Range',
        'Elixir.Regex', 'Elixir.Stream', 'Elixir.String', 'Elixir.String.Chars', 'Elixir.System', 'Elixir.Task',
        'Elixir.Tuple', gen_server, io_lib_format, io_lib_pretty, maps, math, rand, re, sets, string
    ]),
    {Before, Behind} = lists:splitwith(fun(Folder) -> Folder =/= Next end, code:get_path()),
    true = code:set_path(Before ++ ["." | Behind]),
    %% Here it is held: Elixir itself would only ask whether the program is there, and be told that it is not.
    {ok, _} = file:list_dir(".").

%% The names of what stands outside of modules (elixir_compiler_0 and so on) are counted, and seen in a trace.
forget_names({elixir_code_server, Definitions, {Used, Unused, _}, Files}) ->
    [forget(Module) || Module <- Used ++ Unused],
    {elixir_code_server, Definitions, {[], [], 0}, Files};
forget_names(OfAnotherElixir) ->
    OfAnotherElixir.

forget(Module) ->
    code:purge(Module),
    code:delete(Module),
    code:purge(Module).
